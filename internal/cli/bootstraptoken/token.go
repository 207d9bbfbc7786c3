package bootstraptoken

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/apiserver/identity"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"
	bootstrapsecrets "k8s.io/cluster-bootstrap/util/secrets"
)

// DefaultTTL is how long a token is good for unless somebody says otherwise.
const DefaultTTL = 24 * time.Hour

// Usages are what a token can be for: to sign cluster-info, and to be let in.
func Usages() []string { return slices.Clone(bootstrapapi.KnownTokenUsages) }

// Token is a token with what is known of it. Its JSON is stable: fields may be added.
type Token struct {
	// Token is the whole of it: ID, a full stop, and what is secret.
	Token string `json:"token"`
	// Expires is when it ends; nil means never.
	Expires     *metav1.Time `json:"expires,omitempty"`
	Usages      []string     `json:"usages,omitempty"`
	Description string       `json:"description,omitempty"`
	// Groups are those of who is let in by it.
	Groups []string `json:"groups,omitempty"`
}

// Options are what a person chooses about a new token.
type Options struct {
	// Token is the token itself; empty means one that is drawn.
	Token string
	// TTL is how long it is good for; 0 means for ever.
	TTL         time.Duration
	Description string
	Usages      []string
	Groups      []string
}

// New is a new token. Nothing is written.
func New(o Options, now time.Time) (Token, error) {
	if err := o.check(); err != nil {
		return Token{}, err
	}
	t := Token{Token: o.Token, Usages: o.Usages, Description: o.Description, Groups: o.Groups}
	if t.Token == "" {
		var err error
		if t.Token, err = bootstraputil.GenerateBootstrapToken(); err != nil {
			return Token{}, fmt.Errorf("drawing a bootstrap token: %w", err)
		}
	}
	if o.TTL > 0 {
		end := metav1.NewTime(now.Add(o.TTL).UTC().Truncate(time.Second))
		t.Expires = &end
	}
	return t, nil
}

// check says what is wrong with what a person chose. It never says the token itself.
func (o *Options) check() error {
	switch {
	case o.Token != "" && !bootstraputil.IsValidBootstrapToken(o.Token):
		return fmt.Errorf("the token has not the form of one: want 6 and then 16 lower-case letters and digits, with a full stop between them")
	case o.TTL < 0:
		return fmt.Errorf("--ttl %s: want a time that is not over, as in 2h, or 0 for a token that never expires", o.TTL)
	case len(o.Usages) == 0:
		return fmt.Errorf("--usages: want %s", strings.Join(Usages(), " or "))
	}
	if err := bootstraputil.ValidateUsages(o.Usages); err != nil {
		return fmt.Errorf("--usages %s: want %s, or both", strings.Join(o.Usages, ","), strings.Join(Usages(), " or "))
	}
	for _, group := range o.Groups {
		if bootstraputil.ValidateBootstrapGroupName(group) != nil {
			return fmt.Errorf("--groups %s: want the name of a group below system:bootstrappers, as in %s", group, identity.Bootstrappers)
		}
	}
	return nil
}

// ID is the part of the token that is no secret.
func (t Token) ID() string {
	id, _, _ := strings.Cut(t.Token, ".")
	return id
}

// Secret is where the token is kept.
func (t Token) Secret() *corev1.Secret {
	id, secret, _ := strings.Cut(t.Token, ".")
	data := map[string]string{bootstrapapi.BootstrapTokenIDKey: id, bootstrapapi.BootstrapTokenSecretKey: secret}
	if t.Description != "" {
		data[bootstrapapi.BootstrapTokenDescriptionKey] = t.Description
	}
	if t.Expires != nil {
		data[bootstrapapi.BootstrapTokenExpirationKey] = t.Expires.Format(time.RFC3339)
	}
	for _, usage := range t.Usages {
		data[bootstrapapi.BootstrapTokenUsagePrefix+usage] = "true"
	}
	if len(t.Groups) > 0 {
		data[bootstrapapi.BootstrapTokenExtraGroupsKey] = strings.Join(t.Groups, ",")
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: bootstraputil.BootstrapTokenSecretName(id)},
		Type:       bootstrapapi.SecretTypeBootstrapToken,
		StringData: data,
	}
}

// Of is the token in a Secret; ok is false where it holds none that anybody could use.
func Of(secret *corev1.Secret) (t Token, ok bool) {
	says := func(key string) string { return bootstrapsecrets.GetData(secret, key) }
	id, named := bootstrapsecrets.ParseName(secret.Name)
	if !named || says(bootstrapapi.BootstrapTokenIDKey) != id || says(bootstrapapi.BootstrapTokenSecretKey) == "" {
		return Token{}, false
	}
	t = Token{
		Token:       bootstraputil.TokenFromIDAndSecret(id, says(bootstrapapi.BootstrapTokenSecretKey)),
		Description: says(bootstrapapi.BootstrapTokenDescriptionKey),
	}
	if text := says(bootstrapapi.BootstrapTokenExpirationKey); text != "" {
		end, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return Token{}, false
		}
		t.Expires = &metav1.Time{Time: end.UTC()}
	}
	for _, usage := range Usages() {
		if says(bootstrapapi.BootstrapTokenUsagePrefix+usage) == "true" {
			t.Usages = append(t.Usages, usage)
		}
	}
	if groups := says(bootstrapapi.BootstrapTokenExtraGroupsKey); groups != "" {
		t.Groups = strings.Split(groups, ",")
	}
	return t, true
}
