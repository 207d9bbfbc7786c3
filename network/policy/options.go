package policy

// Options say for whom policies are enforced.
type Options struct {
	// Name is the control plane's name; the table is called after it.
	Name string
	// NodeName is the node that we run on, as pods name it.
	NodeName string
	// Gate is where the node's agent waits before it starts a pod; nil is one to which nobody comes.
	Gate *Gate
}

// TableName is what the nftables table of the policies is called.
func TableName(name string) string { return "orrery-" + name + "-policies" }
