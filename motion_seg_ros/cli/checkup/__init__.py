"""What the node and the commands need of this machine, looked at one by one."""
