package apiserver

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// accountTokens are what signs tokens of ServiceAccounts that are kept in Secrets, with the key in a file.
func accountTokens(keyFile string) (serviceaccount.TokenGenerator, error) {
	key, err := keyutil.PrivateKeyFromFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the key of service accounts: %w", err)
	}
	generator, err := serviceaccount.JWTTokenGenerator(serviceaccount.LegacyIssuer, key)
	if err != nil {
		return nil, fmt.Errorf("signing by the key of service accounts in %s: %w", keyFile, err)
	}
	return generator, nil
}

// SignServiceAccountToken signs the token of a ServiceAccount that is kept in a Secret, whose name is a part of it. It does not expire:
// the server accepts it for as long as the Secret has it and both exist.
func (s *Server) SignServiceAccountToken(ctx context.Context, account *corev1.ServiceAccount, secret *corev1.Secret) (string, error) {
	claims, private := serviceaccount.LegacyClaims(*account, *secret)
	return s.accountTokens.GenerateToken(ctx, claims, private)
}
