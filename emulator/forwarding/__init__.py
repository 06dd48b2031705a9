"""How packets find their way without any controller: computed from the graph, pure."""
