package pvbinder

import (
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// The reasons of events, which kubectl and people know.
const (
	reasonFailed             = "FailedBinding"
	reasonMismatch           = "VolumeMismatch"
	reasonConsumer           = "WaitForFirstConsumer"
	reasonScheduled          = "WaitForPodScheduled"
	reasonExternal           = "ExternalProvisioning"
	reasonProvisioningFailed = "ProvisioningFailed"
	reasonLost               = "ClaimLost"
	reasonMisbound           = "ClaimMisbound"
)

// sayWaiting plans to say whom a claim waits for that is bound with its first consumer.
func sayWaiting(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, pods []string) {
	switch len(pods) {
	case 0:
		p.EventOnce(claim, plan.Normal, reasonConsumer, "waiting for first consumer to be created before binding")
	case 1:
		p.EventOnce(claim, plan.Normal, reasonScheduled, "waiting for pod %s to be scheduled", pods[0])
	default:
		p.EventOnce(claim, plan.Normal, reasonScheduled, "waiting for pods %s to be scheduled", strings.Join(pods, ","))
	}
}

// lose plans to say that a claim has lost its volume, when it comes to be so.
func lose(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, reason, message string) {
	if claim.Status.Phase == corev1.ClaimLost {
		return
	}
	p.Status(claim, without(claim, corev1.ClaimLost))
	p.Event(claim, plan.Warning, reason, "%s", message)
}
