"""One Cosmos DB account: connecting to it, as whom, what its failures mean, what its answers cost.

Belongs here: what every maker on Cosmos DB shares. Does not belong here: what is kept in a container, and how.
Only imported where COSMOS_ENDPOINT is set: the SDK is slow to import.
"""
