package signer

import (
	"fmt"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
)

// Plan brings the signatures in the ConfigMap to those that its tokens make.
func (Controller) Plan(info *corev1.ConfigMap, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if _, ok := info.Data[bootstrapapi.KubeConfigKey]; !ok || !isClusterInfo(info) || info.DeletionTimestamp != nil {
		return p
	}
	wanted := info.DeepCopy()
	for key := range info.Data {
		if strings.HasPrefix(key, bootstrapapi.JWSSignatureKeyPrefix) {
			delete(wanted.Data, key)
		}
	}
	for _, s := range w.signatures {
		wanted.Data[bootstrapapi.JWSSignatureKeyPrefix+s.id] = s.value
		if s.left > 0 {
			p.After(s.left, "bootstrap token "+s.id+" expires then")
		}
	}
	p.Patch(fmt.Sprintf("%d bootstrap tokens sign it", len(w.signatures)), info, wanted)
	return p
}
