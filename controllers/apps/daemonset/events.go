package daemonset

// The reasons of events, as Kubernetes has them; those about pods that are made and deleted are package podcontrol's.
const (
	reasonSelectingAll = "SelectingAll"
	reasonFailed       = "FailedDaemonPod"
	reasonSucceeded    = "SucceededDaemonPod"
)
