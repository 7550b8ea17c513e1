"""The tables as FHIR packages for R4, R4B and R5, and R6 as a preview: definitions, terminology, examples."""
