package serviceaccounttokens

import (
	"bytes"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// Plan fills the Secret with what it lacks, and deletes it without its ServiceAccount.
func (c Controller) Plan(secret *corev1.Secret, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case !holdsToken(secret) || secret.DeletionTimestamp != nil:
	case w.account == nil:
		p.Delete(fmt.Sprintf("its ServiceAccount %s does not exist", accountName(secret)), secret).Unchanged()
	default:
		if lacks := c.lacks(secret); len(lacks) > 0 {
			p.Do(&fill{Options: c.Options, secret: secret, account: w.account, lacks: lacks})
		}
	}
	return p
}

// lacks are the keys of a Secret that are missing or not as they should be.
func (c Controller) lacks(secret *corev1.Secret) []string {
	var lacks []string
	if len(secret.Data[corev1.ServiceAccountTokenKey]) == 0 {
		lacks = append(lacks, corev1.ServiceAccountTokenKey)
	}
	if len(c.RootCA) > 0 && !bytes.Equal(secret.Data[corev1.ServiceAccountRootCAKey], c.RootCA) {
		lacks = append(lacks, corev1.ServiceAccountRootCAKey)
	}
	if len(secret.Data[corev1.ServiceAccountNamespaceKey]) == 0 {
		lacks = append(lacks, corev1.ServiceAccountNamespaceKey)
	}
	return lacks
}
