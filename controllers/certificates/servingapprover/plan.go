package servingapprover

import (
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// How long it takes at least, and at most, until a request is looked at again.
const (
	soonest = time.Second
	latest  = 1000 * time.Second
)

// message is what an approval says.
const message = "Auto approving self kubelet serving certificate after SubjectAccessReview: its names and addresses are those of the Node."

// Plan approves the request if the node asks for a certificate of its own.
func (Controller) Plan(request *certificatesv1.CertificateSigningRequest, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if w.asked == nil || request.DeletionTimestamp != nil {
		return p
	}
	if objection := w.objection(request); objection != "" {
		p.Because("it is not approved: " + objection)
		p.After(min(max(now.Sub(request.CreationTimestamp.Time), soonest), latest), "it may be right later")
		return p
	}
	p.Do(signingrequest.Approve(request, message))
	return p
}

// objection is why a request is not approved; empty if nothing speaks against it.
func (w world) objection(request *certificatesv1.CertificateSigningRequest) string {
	switch {
	case request.Spec.Username != w.asked.Subject.CommonName:
		return fmt.Sprintf("%s asks for the certificate of %s", request.Spec.Username, w.asked.Subject.CommonName)
	case !w.may:
		return request.Spec.Username + " may not create certificatesigningrequests/selfnodeserver"
	case w.nodes[w.node] == nil:
		return "there is no Node " + w.node
	}
	for _, name := range w.asked.DNSNames {
		if name != w.node {
			return fmt.Sprintf("%s is not the name of Node %s", name, w.node)
		}
	}
	for _, ip := range w.asked.IPAddresses {
		if objection := w.objectionTo(ip); objection != "" {
			return objection
		}
	}
	return ""
}

func (w world) objectionTo(ip net.IP) string {
	address := ip.String()
	switch {
	case ip.IsLoopback() || ip.IsUnspecified():
		return address + " is an address of every machine"
	case slices.Contains(w.server, address):
		return address + " is an address of the API server"
	case !slices.Contains(w.nodes[w.node], address):
		return fmt.Sprintf("%s is not an address of Node %s", address, w.node)
	}
	for name, addresses := range w.nodes {
		if name != w.node && slices.Contains(addresses, address) {
			return address + " is an address of another Node as well"
		}
	}
	return ""
}
