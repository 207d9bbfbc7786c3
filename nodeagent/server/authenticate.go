package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/websocket"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/utils/clock"
)

// maxTokens is how many tokens are remembered, so that made-up ones cannot fill the memory.
const maxTokens = 4096

// newAuthenticator returns what says who a client is: by its certificate, or else by its token, which the API server knows.
// Nobody is anonymous.
//
// It believes for ttl whose a token is, or that it is nobody's.
func newAuthenticator(reviewer TokenReviewer, ttl time.Duration, clock clock.PassiveClock) authenticator.Request {
	tokens := &tokenAuthenticator{reviewer: reviewer, ttl: ttl, known: cache.NewLRUExpireCacheWithClock(maxTokens, clock)}
	return group.NewAuthenticatedGroupAdder(union.New(
		authenticator.RequestFunc(byCertificate),
		bearertoken.New(tokens),
		websocket.NewProtocolAuthenticator(tokens),
	))
}

// byCertificate takes the client's name and groups from its certificate, which the TLS handshake has verified.
func byCertificate(r *http.Request) (*authenticator.Response, bool, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return nil, false, nil
	}
	subject := r.TLS.VerifiedChains[0][0].Subject
	if subject.CommonName == "" {
		return nil, false, nil
	}
	return &authenticator.Response{User: &user.DefaultInfo{Name: subject.CommonName, Groups: subject.Organization}}, true, nil
}

// TokenReviewer asks the API server whose token it is. An error means that it could not be asked.
type TokenReviewer interface {
	ReviewToken(ctx context.Context, token string) (authenticationv1.TokenReviewStatus, error)
}

// tokenAuthenticator remembers for a while what it was told about tokens, by their hashes.
type tokenAuthenticator struct {
	reviewer TokenReviewer
	ttl      time.Duration
	known    *cache.LRUExpireCache
}

// AuthenticateToken implements authenticator.Token.
func (a *tokenAuthenticator) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	key := sha256.Sum256([]byte(token))
	if known, ok := a.known.Get(key); ok {
		response := known.(*authenticator.Response)
		return response, response != nil, nil
	}
	review, err := a.reviewer.ReviewToken(ctx, token)
	switch {
	case err != nil:
		return nil, false, err
	case !review.Authenticated && review.Error != "": // which may be over by the next time
		return nil, false, errors.New(review.Error)
	}
	response := responseTo(&review)
	a.known.Add(key, response, a.ttl)
	return response, response != nil, nil
}

// responseTo is nil for a token that is nobody's.
func responseTo(review *authenticationv1.TokenReviewStatus) *authenticator.Response {
	if !review.Authenticated {
		return nil
	}
	extra := map[string][]string{}
	for key, values := range review.User.Extra {
		extra[key] = values
	}
	return &authenticator.Response{User: &user.DefaultInfo{
		Name: review.User.Username, UID: review.User.UID, Groups: review.User.Groups, Extra: extra,
	}}
}
