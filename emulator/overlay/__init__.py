"""Light ports as the plan wants them: computed in numpy columns, without a kernel."""
