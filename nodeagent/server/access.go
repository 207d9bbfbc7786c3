package server

import (
	"net/http"

	"github.com/go-logr/logr"
	"k8s.io/apiserver/pkg/authentication/authenticator"
)

// access lets requests through whose client is known, and allowed to do what it wants.
type access struct {
	authenticator authenticator.Request
	authorizer    *authorizer
	log           logr.Logger
}

func (a *access) filter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, ok, err := a.authenticator.AuthenticateRequest(r)
		if err != nil {
			a.log.V(1).Info("Could not find out who a client is", "error", err.Error())
		}
		if err != nil || !ok {
			refuse(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		name := found.User.GetName()
		verb, subresources := attributes(r.Method, r.URL.Path)
		for _, subresource := range subresources {
			allowed, err := a.authorizer.allowed(r.Context(), found.User, verb, subresource)
			if err != nil {
				refuse(w, http.StatusInternalServerError, "Authorization error (user=%s, verb=%s, resource=nodes, subresource=%s): %v", name, verb, subresource, err)
				return
			}
			if allowed {
				next.ServeHTTP(w, r)
				return
			}
		}
		refuse(w, http.StatusForbidden, "Forbidden (user=%s, verb=%s, resource=nodes, subresource(s)=%v)", name, verb, subresources)
	})
}
