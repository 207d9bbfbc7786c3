package legacytokencleaner

import (
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// unused is for how long nobody must have used a token, and for how long it is invalid until it goes.
	unused = 365 * 24 * time.Hour
	// again is when a token is looked at again that nothing has happened to: what counts are days.
	again = 24 * time.Hour

	// lastUsed is the label in which the API server writes the day on which a token was used last, and invalidSince that by which it
	// does not accept one.
	lastUsed     = "kubernetes.io/legacy-token-last-used"
	invalidSince = "kubernetes.io/legacy-token-invalid-since"
)

// Plan makes a token invalid that nobody uses, and deletes one that has been for long enough.
func (Controller) Plan(secret *corev1.Secret, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if !holdsToken(secret) || secret.DeletionTimestamp != nil {
		return p
	}
	oldest := now.UTC().Add(-unused)
	invalid, isInvalid := dayOf(secret.Labels[invalidSince])
	switch why := keeps(secret, w, oldest); {
	case why != "":
		p.Because(why)
		p.After(again, "it may be unused by then")
	case !isInvalid:
		marked := secret.DeepCopy()
		metav1.SetMetaDataLabel(&marked.ObjectMeta, invalidSince, now.UTC().Format(time.DateOnly))
		p.Patch("nobody has used it for a year", secret, marked)
		p.After(again, "it goes when it has been invalid for a year")
	case !invalid.Before(oldest.Truncate(24 * time.Hour)):
		p.Because("it is invalid, and goes when it has been for a year")
		p.After(again, "it may have been by then")
	default:
		p.Delete("it has been invalid for a year", secret).Unchanged()
	}
	return p
}

// keeps says why a token is left alone; empty if nobody has used it since oldest.
func keeps(secret *corev1.Secret, w world, oldest time.Time) string {
	used, said := secret.Labels[lastUsed]
	day, isDay := dayOf(used)
	switch {
	case w.tracked.IsZero():
		return "the API server does not say since when it notes who uses tokens"
	case oldest.Before(w.tracked):
		return "the API server has not noted for long enough who uses tokens"
	case !secret.CreationTimestamp.Time.Before(oldest):
		return "it is not a year old"
	case said && !isDay:
		return "it cannot be read when it was used last"
	case said && !day.Before(oldest.Truncate(24*time.Hour)):
		return "it has been used in the last year"
	case !w.automatic:
		return "no ServiceAccount lists it, so somebody asked for it"
	case w.pod != "":
		return "pod " + w.pod + " refers to it"
	default:
		return ""
	}
}

// dayOf reads a day, as in 2026-01-31.
func dayOf(text string) (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, text)
	return day, err == nil
}
