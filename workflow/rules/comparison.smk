COMPARISON = all_methods("committor.json")
