package certificates

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
)

var options = Options{
	Secret:  client.ObjectKey{Namespace: "orrery-system", Name: "webhook-server-cert"},
	Service: client.ObjectKey{Namespace: "orrery-system", Name: "webhooks"},
}

// version is what somebody has from a moment on: a certificate that is served, or authorities that are trusted.
type version struct {
	from time.Time
	data []byte
}

// stage is a world with the Secret and the configurations, in which what was served and what was trusted is written down.
type stage struct {
	*testing.T
	*looptest.World
	manager loop.Reconciler
	served  []version
	trusted map[string][]version
}

func newStage(t *testing.T) *stage {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	s := &stage{T: t, World: looptest.NewWorld(scheme), trusted: map[string][]version{}}
	ours := admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: options.Service.Namespace, Name: options.Service.Name}}
	theirs := admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: "other", Name: options.Service.Name}, CABundle: []byte("theirs")}
	s.Put(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: options.Secret.Namespace, Name: options.Secret.Name}},
		&admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "mutating"}, Webhooks: []admissionregistrationv1.MutatingWebhook{{Name: "default", ClientConfig: ours}}},
		&admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "validating"}, Webhooks: []admissionregistrationv1.ValidatingWebhook{
			{Name: "pods", ClientConfig: ours}, {Name: "theirs", ClientConfig: theirs}, {Name: "all", ClientConfig: ours},
		}},
	)
	s.Wrote = func(looptest.Write) { s.note() }
	s.takeOver()
	return s
}

// takeOver has a new manager lead, which remembers nothing.
func (s *stage) takeOver() {
	c := s.Client("manager")
	s.manager = Loop(options).Reconciler(loop.Cluster{Client: c, Live: c, Clock: s.Clock(), SideBySide: 1})
}

// note writes down what is served and trusted now, if that is new.
func (s *stage) note() {
	s.served = s.since(s.served, s.secret().Data[certificateKey])
	for name, bundle := range s.bundles() {
		s.trusted[name] = s.since(s.trusted[name], bundle)
	}
}

func (s *stage) since(known []version, data []byte) []version {
	if len(data) == 0 || len(known) > 0 && bytes.Equal(known[len(known)-1].data, data) {
		return known
	}
	return append(known, version{s.Now(), data})
}

func (s *stage) secret() *corev1.Secret { return looptest.All[*corev1.Secret](s.World)[0] }

// bundles are what our webhooks trust.
func (s *stage) bundles() map[string][]byte {
	validating := looptest.All[*admissionregistrationv1.ValidatingWebhookConfiguration](s.World)[0].Webhooks
	return map[string][]byte{
		"default": looptest.All[*admissionregistrationv1.MutatingWebhookConfiguration](s.World)[0].Webhooks[0].ClientConfig.CABundle,
		"pods":    validating[0].ClientConfig.CABundle,
		"all":     validating[2].ClientConfig.CABundle,
	}
}

// rest makes passes until there is nothing to do now, and returns when there will be.
func (s *stage) rest() time.Duration {
	s.Helper()
	const many = 50
	for range many {
		before := s.Version()
		result, err := s.manager.Reconcile(s.Context(), reconcile.Request{NamespacedName: loop.All})
		if err == nil && s.Version() == before && result.RequeueAfter > time.Second {
			return result.RequeueAfter
		}
		s.Step(time.Second)
	}
	s.Fatalf("there is something to do after %d passes", many)
	return 0
}

// refusals are the moments at which an API server would refuse a request because it does not trust what it is shown. Each replica of
// the manager and each API server may be behind by as much as Settle.
func (s *stage) refusals() []error {
	var all []error
	for name, bundles := range s.trusted {
		for i, shown := range s.served {
			for j, bundle := range bundles {
				from, until := later(shown.from, bundle.from), earlier(s.end(s.served, i), s.end(bundles, j))
				if from.Before(s.served[0].from.Add(Settle)) {
					from = s.served[0].from.Add(Settle) // the first of all is nowhere known yet
				}
				if !from.Before(until) {
					continue
				}
				for _, at := range []time.Time{from, until} {
					if !(contents{authorities: bundle.data}).good(parse(s.T, shown.data), options.names()[0], at) {
						all = append(all, fmt.Errorf("%s: certificate %d is not trusted by the bundle %d at %s", name, i, j, at.Sub(looptest.Begin)))
					}
				}
			}
		}
	}
	return all
}

// end is until when somebody may have a version.
func (s *stage) end(versions []version, i int) time.Time {
	if i+1 < len(versions) {
		return versions[i+1].from.Add(Settle)
	}
	return s.Now()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func TestNoRequestIsRefusedThroughYearsOfRenewals(t *testing.T) {
	s := newStage(t)
	for s.Now().Before(looptest.Begin.Add(3 * 365 * 24 * time.Hour)) {
		s.Step(s.rest())
	}
	if renewals := len(s.served) - 1; renewals < 3*365/60 {
		t.Errorf("there were %d renewals in three years, want one every 60 days", renewals)
	}
	for _, err := range s.refusals() {
		t.Error(err)
	}
	if bundle := s.bundles()["default"]; bytes.Count(bundle, []byte("BEGIN")) > 3 {
		t.Errorf("authorities that have ended are still trusted:\n%s", bundle)
	}
}

// Managers crash at any write, answers are lost, others take over, and for weeks there is none.
func TestNoRequestIsRefusedWhateverBecomesOfManagers(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			s := newStage(t)
			first := s.rest()
			s.Refuse = func(looptest.Write) error {
				if random.IntN(4) == 0 {
					return apierrors.NewInternalError(errors.New("busy"))
				}
				return nil
			}
			s.Lose = func(looptest.Write) error {
				if random.IntN(4) == 0 {
					return errors.New("connection lost")
				}
				return nil
			}
			s.Step(first)
			for s.Now().Before(looptest.Begin.Add(2 * 365 * 24 * time.Hour)) {
				if random.IntN(3) == 0 {
					s.takeOver()
				}
				due := s.rest()
				if due < Settle {
					due += time.Duration(random.Int64N(int64(Settle)))
				} else {
					due += time.Duration(random.Int64N(int64(RenewBefore - 24*time.Hour)))
				}
				s.Step(due)
			}
			for _, err := range s.refusals() {
				t.Error(err)
			}
		})
	}
}

func TestWhatSomebodyElseSpoilsIsPutRight(t *testing.T) {
	for name, spoil := range map[string]func(s *stage){
		"a bundle": func(s *stage) {
			looptest.Edit(s.World, "user", &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "validating"}}, func(v *admissionregistrationv1.ValidatingWebhookConfiguration) {
				v.Webhooks[0].ClientConfig.CABundle = []byte("mine")
			})
		},
		"the Secret":    func(s *stage) { s.edit(func(secret *corev1.Secret) { secret.Data = nil }) },
		"the key":       func(s *stage) { s.edit(func(secret *corev1.Secret) { secret.Data[privateKey] = []byte("x") }) },
		"the authority": func(s *stage) { s.edit(func(secret *corev1.Secret) { secret.Data[authoritiesKey] = nil }) },
		"the annotation": func(s *stage) {
			s.edit(func(secret *corev1.Secret) { secret.Annotations = map[string]string{trustedSinceAnnotation: "x"} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.rest()
			spoil(s)
			s.rest()
			held := contentsOf(s.secret())
			if !held.good(held.serving, options.names()[0], s.Now()) {
				t.Error("what is served is no good")
			}
			for webhook, bundle := range s.bundles() {
				if !bytes.Equal(bundle, held.authorities) {
					t.Errorf("the webhook %s trusts something else", webhook)
				}
			}
		})
	}
}

func (s *stage) edit(change func(*corev1.Secret)) {
	looptest.Edit(s.World, "user", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: options.Secret.Namespace, Name: options.Secret.Name}}, change)
}

func TestAWebhookOfSomebodyElseIsLeftAlone(t *testing.T) {
	s := newStage(t)
	s.rest()
	theirs := looptest.All[*admissionregistrationv1.ValidatingWebhookConfiguration](s.World)[0].Webhooks[1]
	if string(theirs.ClientConfig.CABundle) != "theirs" {
		t.Errorf("it trusts %q", theirs.ClientConfig.CABundle)
	}
}

// A manager that was away until the certificate had ended serves what is trusted already, if there is anything.
func TestAManagerThatComesTooLateServesTheNextAtOnce(t *testing.T) {
	s := newStage(t)
	s.Step(s.rest())
	s.rest() // the next is there, and trusted
	next := s.secret().Data[nextCertificateKey]
	if next == nil {
		t.Fatal("there is no next certificate")
	}
	s.Step(RenewBefore + time.Minute)
	s.rest()
	if !bytes.Equal(s.secret().Data[certificateKey], next) {
		t.Error("another one is served")
	}
}

func TestWithoutASecretNothingIsDone(t *testing.T) {
	s := newStage(t)
	s.Wrote = nil
	if err := s.Client("user").Delete(t.Context(), s.secret()); err != nil {
		t.Fatal(err)
	}
	_, err := s.manager.Reconcile(t.Context(), reconcile.Request{NamespacedName: loop.All})
	if !errors.Is(err, reconcile.TerminalError(nil)) {
		t.Errorf("it ends with %v, want that somebody has to act", err)
	}
}

// A plan is read by people and kept by machines: it tells no key.
func TestAPlanTellsNoSecret(t *testing.T) {
	s := newStage(t)
	p, err := Loop(options).Preview(t.Context(), s.Client("reader"), loop.All, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := "issue a certificate into Secret orrery-system/webhook-server-cert: there is none that is good for webhooks.orrery-system.svc"
	if got := p.String(); got != want {
		t.Errorf("the plan is %q, want %q", got, want)
	}
}
