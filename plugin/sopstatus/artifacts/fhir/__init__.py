"""The tables as FHIR packages for R4, R4B and R5: definitions, terminology, examples."""
