package certificates

import (
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/framework/plan"
)

// Plan decides what the Secret is to hold, and has the configurations trust it.
func (c Controller) Plan(_ client.ObjectKey, w world, now time.Time) *plan.Plan {
	p := plan.New()
	name := c.names()[0]
	hasNext := w.held.good(w.held.next, name, now)
	if !w.held.good(w.held.serving, name, now) {
		if hasNext {
			c.change(p, w, "what is served is no good any more", func(s *corev1.Secret) { promote(s, now) })
		} else {
			c.issue(p, w, replace, "there is none that is good for "+name)
		}
		return p
	}
	c.trust(p, w)
	ends := w.held.serving.NotAfter
	if renewal := ends.Add(-RenewBefore); !hasNext && now.Before(renewal) {
		p.Because("the certificate is good until " + ends.Format(time.RFC3339))
		p.After(renewal.Sub(now), "the next certificate is made then")
		return p
	}
	if !hasNext {
		c.issue(p, w, prepare, fmt.Sprintf("that which is served ends at %s", ends.Format(time.RFC3339)))
		return p
	}
	c.changeOver(p, w, now)
	return p
}

// changeOver has the next certificate served once it has been trusted for long enough.
func (c Controller) changeOver(p *plan.Plan, w world, now time.Time) {
	since := w.held.trustedSince
	served := since.Add(Settle)
	switch {
	case len(w.distrusted) > 0:
		p.Because("not every configuration trusts the next certificate yet")
	case since.IsZero():
		c.change(p, w, "every configuration trusts the next certificate", func(s *corev1.Secret) {
			metav1.SetMetaDataAnnotation(&s.ObjectMeta, trustedSinceAnnotation, now.UTC().Format(time.RFC3339))
		})
	case now.Before(served):
		p.Because("API servers may not have seen yet that the next certificate is to be trusted")
		p.After(served.Sub(now), "the next certificate is served then")
	default:
		c.change(p, w, fmt.Sprintf("the next certificate has been trusted since %s", since.Format(time.RFC3339)), func(s *corev1.Secret) { promote(s, now) })
	}
}

// trust has the configurations trust the authorities in the Secret.
func (c Controller) trust(p *plan.Plan, w world) {
	for _, d := range w.distrusted {
		kind := "ValidatingWebhookConfiguration"
		if _, mutating := d.configuration.(*admissionregistrationv1.MutatingWebhookConfiguration); mutating {
			kind = "MutatingWebhookConfiguration"
		}
		p.Do(&entrust{distrusted: d, kind: kind, authorities: w.held.authorities})
	}
}

// change changes the Secret.
func (c Controller) change(p *plan.Plan, w world, why string, change func(*corev1.Secret)) {
	p.Do(&write{secret: w.secret, what: "change", why: why, change: func(s *corev1.Secret, _ time.Time) error {
		change(s)
		return nil
	}})
}

// issue has a new certificate made and put into the Secret.
func (c Controller) issue(p *plan.Plan, w world, put func(*corev1.Secret, []byte, pair, time.Time), why string) {
	p.Do(&write{secret: w.secret, what: "issue a certificate into", why: why, change: func(s *corev1.Secret, now time.Time) error {
		authority, serving, err := issue(now, c.names())
		if err == nil {
			put(s, authority, serving, now)
		}
		return err
	}})
}
