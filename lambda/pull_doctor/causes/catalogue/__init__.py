"""The catalogue: one row a cause, in the order in which equal findings are listed.

A row says what the defect is and which symptom it explains; the module ``pull_doctor.causes.<cause>`` with
underscores holds the check. A new cause is a row in the file of its area, that module, and its test.
"""

from __future__ import annotations

from pull_doctor.causes.catalogue.host import HOST
from pull_doctor.causes.catalogue.image import IMAGE
from pull_doctor.causes.catalogue.network import NETWORK
from pull_doctor.causes.catalogue.rights import RIGHTS
from pull_doctor.causes.row import SILENT, Row

__all__ = ["CATALOGUE", "SILENT", "Row"]

CATALOGUE: tuple[Row, ...] = (*IMAGE, *HOST, *RIGHTS, *NETWORK)
