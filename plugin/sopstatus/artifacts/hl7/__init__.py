"""The Z segments of the tables for HL7 v2: conformance profiles, tables of fields, examples."""
