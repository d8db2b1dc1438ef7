"""Closes both ends of the conversation and stays."""

import os
import time

os.close(0)
os.close(1)
time.sleep(3600)
