package apiserver

import (
	"crypto/rand"
	"fmt"

	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	authenticatorunion "k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"

	"github.com/orrery-dev/orrery/apiserver/identity"
)

// tokens are how the control loops of this process show who they are: a secret for each, by the user name, which is drawn at
// every start and is nowhere but in memory. Certificates would have a connection for each loop; requests that differ by a token
// share one.
type tokens map[string]string

// issueTokens has a server know the loops by new tokens. The outermost server of the chain alone asks who somebody is.
func issueTokens(config *app.Config) (tokens, error) {
	loops, err := identity.Controllers()
	if err != nil {
		return nil, err
	}
	issued, users := tokens{}, map[string]*user.DefaultInfo{}
	for _, who := range loops {
		secret := rand.Text()
		issued[who.User] = secret
		users[secret] = &user.DefaultInfo{Name: who.User, Groups: append([]string{user.AllAuthenticated}, who.Groups...)}
	}
	authn := &config.Aggregator.GenericConfig.Authentication
	authn.Authenticator = authenticatorunion.New(authenticatorfactory.NewFromTokens(users, authn.APIAudiences), authn.Authenticator)
	return issued, nil
}

// ControllerConfig returns a client configuration for the control loop called name, in this process: it is good for as long as
// the server runs. The clients of all loops share their connections. A loop that has no generated role is an error.
func (s *Server) ControllerConfig(name string) (*rest.Config, error) {
	token, ok := s.tokens[identity.Controller(name).User]
	if !ok {
		return nil, fmt.Errorf("finding the identity of loop %s: it has no role in config/rbac/controllers, which make manifests writes", name)
	}
	config := s.clientConfig()
	config.BearerToken = token
	return config, nil
}
