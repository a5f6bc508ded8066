rule example_rate:
    output:
        example=method_file("rates/example.json"),
    message:
        "{wildcards.method}: a rate from nowhere"
    shell:
        """echo '{{"rate": 1.0, "people": 9}}' > {output.example}"""
