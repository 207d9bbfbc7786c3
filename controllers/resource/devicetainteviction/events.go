package devicetainteviction

import "github.com/orrery-dev/orrery/controllers/internal/eviction"

// words are what is said of a pod that is evicted, as Kubernetes has it.
var words = eviction.Words{
	Reason:       "DeletionByDeviceTaintManager",
	Message:      "Device Taint manager: deleting due to NoExecute taint",
	EventReason:  "DeviceTaintManagerEviction",
	EventMessage: "Marking for deletion",
}
