package server

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	testingclock "k8s.io/utils/clock/testing"
)

// tokenTTL is how long it is believed whose a token is, by default.
const tokenTTL = 2 * time.Minute

// bearer adds a token to requests.
type bearer struct {
	token string
	http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.RoundTripper.RoundTrip(r)
}

func clientWithToken(token string) *http.Client {
	client := clientWith()
	client.Transport = bearer{token, client.Transport}
	return client
}

func known(name string) authenticationv1.TokenReviewStatus {
	return authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{
		Username: name, Groups: []string{"system:serviceaccounts"}, UID: "uid",
		Extra: map[string]authenticationv1.ExtraValue{"authentication.kubernetes.io/node-name": {"node"}},
	}}
}

func TestAClientWithATokenIsWhoTheAPIServerSays(t *testing.T) {
	reviewer := &reviews{
		allowed: map[string]bool{"collector get nodes/metrics": true, "collector get nodes/stats": true},
		tokens:  map[string]authenticationv1.TokenReviewStatus{"good": known("collector"), "other": known("nobody")},
	}
	url := startServer(t, newAuthority(t), reviewer, nil, nil)
	for _, test := range []struct {
		name, token, path string
		want              int
	}{
		{"is let in where it may", "good", "/stats/summary", http.StatusOK},
		{"is let in where it may, though nothing is there", "good", "/metrics/none", http.StatusNotFound},
		{"is kept out of all else", "good", "/pods", http.StatusForbidden},
		{"is kept out of logs", "good", "/containerLogs/default/web/main", http.StatusForbidden},
		{"is kept out if it may nothing", "other", "/stats/summary", http.StatusForbidden},
		{"is kept out if nobody knows it", "bad", "/stats/summary", http.StatusUnauthorized},
	} {
		if code, body := get(t, clientWithToken(test.token), url+test.path); code != test.want {
			t.Errorf("a client %s: got %d %s for %s, want %d", test.name, code, body, test.path, test.want)
		}
	}
	if want := []string{"system:serviceaccounts", "system:authenticated"}; !slices.Equal(reviewer.groups, want) {
		t.Errorf("its groups are %q, want %q", reviewer.groups, want)
	}
	if reviewer.node != "node" {
		t.Errorf("the API server was asked about node %q", reviewer.node)
	}
	if code, _ := get(t, clientWith(), url+"/stats/summary"); code != http.StatusUnauthorized {
		t.Errorf("a client with neither a certificate nor a token got %d", code)
	}
}

func TestWhoseATokenIsIsRememberedForAWhile(t *testing.T) {
	reviewer := &reviews{tokens: map[string]authenticationv1.TokenReviewStatus{"good": known("collector"), "odd": {Error: "away"}}}
	now := testingclock.NewFakeClock(time.Unix(0, 0))
	authenticator := newAuthenticator(reviewer, tokenTTL, now)
	authenticate := func(token string) (string, error) {
		r, err := http.NewRequest(http.MethodGet, "/pods", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		found, ok, err := authenticator.AuthenticateRequest(r)
		if !ok {
			return "", err
		}
		return found.User.GetName(), err
	}
	for _, test := range []struct {
		name  string
		token string
		after time.Duration
		err   error
		who   string
		asked int
	}{
		{"asks once about a token", "good", 0, nil, "collector", 1},
		{"believes the answer", "good", tokenTTL - time.Second, nil, "collector", 0},
		{"asks again when the answer is old", "good", 2 * time.Second, nil, "collector", 1},
		{"asks about another token", "bad", 0, nil, "", 1},
		{"believes that it is nobody's", "bad", time.Second, nil, "", 0},
		{"does not take an error for an answer", "odd", 0, nil, "", 1},
		{"asks again after an error", "odd", 0, nil, "", 1},
		{"lets nobody in when it cannot ask", "good", tokenTTL, errors.New("away"), "", 1},
		{"asks again after that", "good", 0, nil, "collector", 1},
	} {
		now.Step(test.after)
		reviewer.asked, reviewer.err = nil, test.err
		who, err := authenticate(test.token)
		if who != test.who || len(reviewer.asked) != test.asked {
			t.Errorf("%s: it is %q (%v), asked %v", test.name, who, err, reviewer.asked)
		}
	}
}

func TestWhatARequestIsToTheAPIServer(t *testing.T) {
	for _, test := range []struct {
		method, path, verb string
		subresources       []string
	}{
		{http.MethodGet, "/metrics", "get", []string{"metrics"}},
		{http.MethodGet, "/metrics/cadvisor", "get", []string{"metrics"}},
		{http.MethodGet, "/stats/summary", "get", []string{"stats"}},
		{http.MethodGet, "/logs/", "get", []string{"log"}},
		{http.MethodGet, "/pods", "get", []string{"pods", "proxy"}},
		{http.MethodGet, "/runningpods/", "get", []string{"pods", "proxy"}},
		{http.MethodGet, "/healthz/ping", "get", []string{"healthz", "proxy"}},
		{http.MethodGet, "/configz", "get", []string{"configz", "proxy"}},
		{http.MethodGet, "/statusz", "get", []string{"statusz"}},
		{http.MethodGet, "/flagz", "get", []string{"configz"}},
		{http.MethodPost, "/checkpoint/default/web/main", "create", []string{"checkpoint"}},
		{http.MethodGet, "/containerLogs/default/web/main", "get", []string{"proxy"}},
		{http.MethodPost, "/exec/default/web/main", "create", []string{"proxy"}},
		{http.MethodGet, "/exec/default/web/main", "get", []string{"proxy"}},
		{http.MethodGet, "/podsandmore", "get", []string{"proxy"}},
		{http.MethodGet, "/", "get", []string{"proxy"}},
	} {
		if verb, subresources := attributes(test.method, test.path); verb != test.verb || !slices.Equal(subresources, test.subresources) {
			t.Errorf("%s %s is to %s %q, want to %s %q", test.method, test.path, verb, subresources, test.verb, test.subresources)
		}
	}
}
