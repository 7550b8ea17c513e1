"""What a refusal says."""

import pytest
from sopstatus import DocumentError


def refused(call, *arguments):
    """Return code and words of the one issue, which is about the document as a whole."""
    with pytest.raises(DocumentError) as error:
        call(*arguments)
    (issue,) = error.value.issues
    assert issue.location == ""
    return issue.code, issue.diagnostics
