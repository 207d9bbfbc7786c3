package tainteviction

// The reasons of the event and of the condition DisruptionTarget, as Kubernetes has them.
const (
	reasonEviction = "TaintManagerEviction"
	reasonDeletion = "DeletionByTaintManager"
)
