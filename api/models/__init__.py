"""What answers are made of: one struct per thing, which is encoded as it is and described in the OpenAPI document as it is."""
