extension IdentityError.Code {
  /// The constant message of each code: what is wrong, then what to do.
  var message: String {
    switch self {
    case .malformedName:
      "a name has 1 to 63 characters a-z, 0-9 and hyphen, and does not start with a hyphen"
    case .malformedHost:
      "a host is a DNS name, an IPv4 address or an IPv6 address, without a port"
    case .malformedPrincipal:
      "a principal is written wardround://<network>/<role>/<name>"
    case .malformedCertificate: "the certificate cannot be read"
    case .noPrincipal: "the certificate names no member of a Wardround network"
    case .foreignAuthority: "the certificate was not issued by this network's authority"
    case .invalidChain: "the certificate chain breaks a rule of RFC 5280"
    case .expired: "the certificate has expired; ask the aggregator's operator for an invitation"
    case .notYetValid: "the certificate is not valid yet; check the clocks of both machines"
    case .revoked:
      "the certificate was revoked by the aggregator's operator or replaced by a new enrolment"
    case .wrongRole: "this role may not do this"
    case .wrongUsage: "the certificate is not meant for this end of a connection"
    case .wrongNetwork: "the certificate belongs to another network"
    case .wrongHost: "the server's certificate is not for the host that was called"
    case .wrongPin:
      "the server's authority is not the one the invitation pins; do not join, and ask the operator"
    case .authorityExpired: "the network's authority has expired or is not valid yet"
    case .lifetimeOutOfRange: "a lifetime lies between one second and ten years"
    case .issuanceFailed: "the certificate could not be made"
    case .malformedRequest: "the request cannot be read or is too large"
    case .requestSignature: "the request is not signed by the key it asks a certificate for"
    case .requestKey: "the request's key is not an ECDSA key on P-256"
    case .requestName: "the request asks for another name than the one allowed"
    case .requestExtension: "the request asks for more than one name"
    case .statementSignature: "the signing key did not sign this request"
    case .invitationUnrecognised: "this is not an invitation; it starts with wr1"
    case .invitationVersion: "the invitation is of another version; use matching programs"
    case .invitationCharacter: "the invitation holds a character that it cannot have"
    case .invitationTruncated: "the invitation is cut off; copy all of it"
    case .invitationChecksum: "the invitation has a typing error; copy it again"
    case .invitationMalformed: "the invitation's content breaks the format"
    case .invitationExpired: "the invitation has expired; ask the operator for a new one"
    case .invitationUnknown: "the aggregator does not know this invitation"
    case .invitationUsed: "the invitation has been used; ask the operator for a new one"
    case .roleNotInvitable: "the aggregator itself cannot be invited"
    case .fileMissing: "the file is missing"
    case .fileExists: "the file is there already and is not overwritten"
    case .fileUnreadable: "the file cannot be read"
    case .fileUnwritable: "the file cannot be written"
    case .diskFull: "the file cannot be written: the disk is full"
    case .filePermissions:
      "others can get at the key; allow its owner only: chmod 600 on files, 700 on the directory"
    case .fileOwner: "the key belongs to another user; run as its owner or change the owner"
    case .fileCorrupted: "the file is damaged; restore it from a backup or enrol again"
    case .keyMismatch: "the certificate and the key do not belong together; enrol again"
    case .notEnrolled: "there is no certificate yet; join with an invitation first"
    case .ledgerUnavailable: "the record of invitations and certificates cannot be read or written"
    }
  }
}
