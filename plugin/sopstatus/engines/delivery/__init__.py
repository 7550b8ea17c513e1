"""Messages that go on to a destination: the `spool`, its `forwarder`, and what an answer means."""
