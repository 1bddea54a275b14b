"""The REST face, derived from the catalogues: `/api/v1`, keys or a session, problem+json, OpenAPI."""
