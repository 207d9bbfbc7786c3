// Package rbac proves in a test that a manager's roles are what it needs: it may do all that it does, and nothing that it never does.
//
// [Prove] makes a user whose only roles are those of manifests or markers, and returns the configuration of its clients. What
// they ask the API server for is written down. When the test is over and the manager has ended, it fails if
//
//   - a request was refused that no role allows; the failure has the marker that would allow it;
//   - a right is granted that no request has used; the failure has the rule that grants it;
//   - a reason for such a right is about none that is granted.
//
// A suite of kubebuilder's gives its manager that configuration in the place of its own, and changes nothing else:
//
//	config, err := testEnv.Start()
//	...
//	config = rbac.Prove(GinkgoTB(), config, rbac.Options{Roles: []string{"../../config/rbac/role.yaml"}})
//	mgr, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme})
//
// It takes the configuration of any administrator: of an environment of package envtest or of controller-runtime's package of that name,
// also in `orrery envtest -- make test`, or of a cluster. The API server has to judge by RBAC, and Prove fails where it does not.
//
// [New] and [Proof.Report] are the same without a test. [Judge] is the decision alone, for who has requests from elsewhere, as from an
// audit log.
//
// # What counts
//
// A request counts as allowed when the API server has got further with it than to authorization, whatever comes of it; a refusal, when
// the API server says, asked once more in the end, that the user may not. What admission refuses with the same code does not
// count: [Report] has it apart.
//
// Not every right shows in requests. Those of [Unseen] are granted without being used: rights that the API server asks for
// while it answers a request for another (bind, escalate, approve, sign and their like, and update on finalizers), list beside watch, which
// an informer needs where the API server cannot stream the first list, and patch beside create on events, for those that come again.
// Everything else that is granted and not used needs a [Reason]. Of what "*" grants, any use is one of it all.
//
// # What it is not
//
// It sees the requests of clients that are made of the configuration, and no others. It does not show that the test has the manager do all
// that it can do: a right that only a rare failure needs is one that nothing used, and a reason says so.
package rbac
