"""The deployment: the stack, its parts, and the asset that the function runs."""

import os

# Importing aws_cdk starts Node. Version 20 is enough here, but each start would print a page about its end of life.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
