"""Operations of an OpenAPI document (3.0, 3.1) made into plain tool definitions, which need the document no more.

Belongs here: reading the document, schemas that stand by themselves, requests.
Does not belong here: fetching a document, keeping what was made.
"""

from domain.openapi.documents import DocumentError
from domain.openapi.schemas import standing_alone
from domain.openapi.tools import Imported, Left, imported

__all__ = ["DocumentError", "Imported", "Left", "imported", "standing_alone"]
