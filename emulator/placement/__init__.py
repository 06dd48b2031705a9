"""Which worker gets which node: few links cut, no worker overfull. Pure and deterministic."""
