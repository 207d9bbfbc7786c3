package nodelifecycle

// The reasons of events, as Kubernetes has them.
const reasonNodeNotReady = "NodeNotReady"
