// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

/// Keeps secrets out of log lines and settings listings.
namespace portolan {

inline constexpr std::string_view maskedText = "***";

/// Whether a value under this name is a secret: password, token, authorization, cookie, sid, secret, api key, … in any
/// case, with `_` `-` or nothing between words, also as a part (`access_token`, `X-CSRF-Token`).
bool isSecretName(std::string_view name);

/// `text` with what looks like a secret replaced by ***: the user-info of URLs (`redis://:pw@host` →
/// `redis://***@host`, up to the last `@` of the word whatever is before it), `Bearer …` and `Basic …` credentials, and
/// `name=value` or `name: value` pairs whose name is a secret's.
std::string maskSecrets(std::string_view text);

/// The value of a setting that is an address or a list of keywords (`host=… password=…`), for showing: whether it can
/// be read as one or not, everything between the scheme and the last `@` is ***, and so is what stands where a password
/// may be meant: a secret's value among the parameters, up to the next one, and what follows a colon and is no port.
std::string maskAddress(std::string_view value);

/// The same for a list of them.
std::string maskAddresses(std::string_view list);

/// A text that somebody gave (a setting, an argument, a URL, a part of one) as a message may repeat it. Every message
/// that quotes such a text takes it from here: people mix up variables, so any of them may hold a password. Masked as
/// maskAddress() does, what cannot be seen escaped (given_text.h), cut to `longest` bytes.
std::string quotable(std::string_view text, std::size_t longest = 100);

} // namespace portolan
