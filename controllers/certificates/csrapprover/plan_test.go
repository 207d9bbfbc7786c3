package csrapprover

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type change = func(*certificatesv1.CertificateSigningRequest)

func by(user string) change {
	return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Username = user }
}

func uses(usages ...certificatesv1.KeyUsage) change {
	return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Usages = usages }
}

func signedBy(name string) change {
	return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.SignerName = name }
}

func created(age time.Duration) change {
	return func(r *certificatesv1.CertificateSigningRequest) { r.CreationTimestamp = gen.Ago(age) }
}

// may lets users create subresources of certificatesigningrequests, each written as user/subresource.
func may(allowed ...string) map[string]func(client.Object) error {
	return map[string]func(client.Object) error{"SubjectAccessReview": func(question client.Object) error {
		review := question.(*authorizationv1.SubjectAccessReview)
		what := review.Spec.ResourceAttributes
		if what.Verb != "create" || what.Group != "certificates.k8s.io" || what.Resource != "certificatesigningrequests" || what.Version != "*" {
			return errors.New("nobody asks for this")
		}
		for _, a := range allowed {
			review.Status.Allowed = review.Status.Allowed || a == review.Spec.User+"/"+what.Subresource
		}
		return nil
	}}
}

func TestPlan(t *testing.T) {
	const (
		self    = "approve CertificateSigningRequest a: Auto approving self kubelet client certificate after SubjectAccessReview."
		other   = "approve CertificateSigningRequest a: Auto approving kubelet client certificate after SubjectAccessReview."
		nothing = "nothing to do"
	)
	one, boot := by("system:node:one"), by("system:bootstrap:abcdef")
	for _, tt := range []struct {
		name string
		is   []change
		may  []string
		want string
	}{
		{"a node that renews its certificate is approved", []change{one}, []string{"system:node:one/selfnodeclient"}, self},
		{"one that may ask for any node as well", []change{one}, []string{"system:node:one/nodeclient"}, other},
		{"who may do both asks for itself", []change{one}, []string{"system:node:one/nodeclient", "system:node:one/selfnodeclient"}, self},
		{"a new node is approved by what it boots with", []change{boot}, []string{"system:bootstrap:abcdef/nodeclient"}, other},
		{"another node's certificate is none of its own", []change{by("system:node:two"), created(0)}, []string{"system:node:two/selfnodeclient"},
			`nothing to do: recognized csr "a" as [nodeclient] but subject access review was not approved` + "\nlook again in 1s: the right may be given later"},
		{"who may not is asked about again after as long as it has waited", []change{one, created(5 * time.Minute)}, nil,
			`nothing to do: recognized csr "a" as [selfnodeclient nodeclient] but subject access review was not approved` + "\nlook again in 5m0s: the right may be given later"},
		{"and never later than that", []change{one, created(5 * time.Hour)}, nil,
			`nothing to do: recognized csr "a" as [selfnodeclient nodeclient] but subject access review was not approved` + "\nlook again in 16m40s: the right may be given later"},
		{"what is no client certificate of a node is for people", []change{one, uses(certificatesv1.UsageServerAuth)}, []string{"system:node:one/nodeclient"}, nothing},
		{"so is what another signer signs", []change{one, signedBy(certificatesv1.KubeAPIServerClientSignerName)}, []string{"system:node:one/nodeclient"}, nothing},
		{"what was denied stays so", []change{one, gen.Says(certificatesv1.CertificateDenied, gen.Ago(0))}, []string{"system:node:one/nodeclient"}, nothing},
		{"what was approved is left alone", []change{one, gen.Says(certificatesv1.CertificateApproved, gen.Ago(0))}, []string{"system:node:one/nodeclient"}, nothing},
		{"so is what is being deleted", []change{one, gen.Deleted[*certificatesv1.CertificateSigningRequest]}, []string{"system:node:one/nodeclient"}, nothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			world := looptest.NewWorld(gen.Schemes(t)[apis.Kubernetes])
			world.Reviews = may(tt.may...)
			r := gen.CertificateSigningRequest("a", tt.is...)
			w, err := Controller{}.Observe(t.Context(), loop.NewView(world.Client("approver"), nil, gen.Now), r)
			if err != nil {
				t.Fatal(err)
			}
			if got := (Controller{}).Plan(r, w, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestWhoAsksIsReviewedAsTheyAre(t *testing.T) {
	r := gen.CertificateSigningRequest("a", func(r *certificatesv1.CertificateSigningRequest) {
		r.Spec.UID, r.Spec.Extra = "1", map[string]certificatesv1.ExtraValue{"scopes": {"a", "b"}}
	})
	got := signingrequest.Review(r, "selfnodeclient").Spec
	if got.User != "system:node:one" || got.UID != "1" || strings.Join(got.Groups, " ") != "system:nodes system:authenticated" ||
		strings.Join(got.Extra["scopes"], " ") != "a b" || got.ResourceAttributes.Subresource != "selfnodeclient" {
		t.Errorf("asked is %+v", got)
	}
}

func TestWhatCannotBeReadIsForAPerson(t *testing.T) {
	r := gen.CertificateSigningRequest("a", func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Request = []byte("x") })
	_, err := Controller{}.Observe(t.Context(), loop.View{}, r)
	var stop *engine.StopError
	if !errors.As(err, &stop) {
		t.Errorf("got %v, want an error that is not tried again", err)
	}
}
