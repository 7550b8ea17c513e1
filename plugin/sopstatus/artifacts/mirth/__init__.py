"""What Mirth Connect, Open Integration Engine and BridgeLink import: code templates and channels."""
