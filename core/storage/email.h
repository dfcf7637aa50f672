// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <string>
#include <string_view>

/// E-mail addresses as identities: two that a person cannot tell apart are one, or the second is not let in.
namespace portolan::storage {

/// An address as it is stored and compared, wherever one is typed: without surrounding blanks, in lower case, its local
/// part in Unicode NFKC (full-width letters are letters), its domain as UTS #46 maps it, in Unicode letters
/// ("xn--bcher-kva.example" is "bücher.example"; "。" is a dot). Invalid (field `/email`) unless it is
/// something@something of at most 254 bytes without blanks, control characters and characters that are invisible,
/// change the direction of writing, or are not assigned. https://www.unicode.org/reports/tr46/
Result<std::string> normalizeEmail(std::string_view email);

/// Whether a new account may have this (normalized) address; Invalid (field `/email`) if not. Those that are there
/// already go on signing in. Refused are: a domain with a label that is not of letters, digits and hyphens; a local
/// part with anything that would need quotes, is no character of a name, or is a mark that vanishes on its letter (a
/// dot above an i); one that mixes scripts that no language mixes (a Cyrillic а among Latin letters), or has only
/// letters that look like other, plain ones (admın). https://www.unicode.org/reports/tr39/: recommended characters,
/// hidden overlays, highly restrictive, and skeletons.
Result<void> checkNewEmail(std::string_view normalized);

/// normalizeEmail() and checkNewEmail() of what somebody typed for an account.
Result<std::string> newEmail(std::string_view typed);

/// Whether lists should mark the address: it would not be taken for a new account, is not in its normal form, or its
/// domain has a label that mixes scripts or looks like a plain one. Cheap for plain ASCII.
bool isDeceptiveEmail(std::string_view email);

/// What somebody types to find an address, or a part of one, in the form addresses are stored in: "xn--bcher-kva" finds
/// "bücher", "x。org" finds "x.org".
std::string foldEmailSearch(std::string_view typed);

} // namespace portolan::storage
