package pki

// Keys are the files in a store's directory that no other store can make again: the authorities, and the key that signs the tokens of
// service accounts. All else is signed anew where it is missing.
func Keys() []string {
	return []string{
		authorityName + ".crt", authorityName + ".key",
		frontProxyName + ".crt", frontProxyName + ".key",
		signingKeyName + ".key", signingKeyName + ".pub",
	}
}
