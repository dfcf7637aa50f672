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

/// Whether a new account may have this (normalized) address: Invalid (field `/email`) where its local part mixes
/// scripts that no language mixes (a Cyrillic а among Latin letters), or has only letters that look like other, plain
/// ones (admın). https://www.unicode.org/reports/tr39/, highly restrictive and skeletons.
Result<void> checkNewEmail(std::string_view normalized);

/// Whether lists should mark the address: it would not be taken for a new account, or is not in its normal form.
/// Cheap for plain ASCII.
bool isDeceptiveEmail(std::string_view email);

} // namespace portolan::storage
