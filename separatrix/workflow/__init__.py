"""What a rule of the workflow calls: one module per part of the DAG; resources, plans, SLURM."""
