// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What can be said of a URL before anybody has read it: where its user information is, and what keeps it from being
/// read. Never rests on the text being a URL at all.
namespace portolan {

/// Where the parts are that hold a user's name and password: from behind the scheme to the last `@` that can end them.
/// An `@` in the value of a query parameter of an address that is whole without it is none.
struct UserInformation
{
    std::size_t begin = 0;
    std::size_t end = 0; ///< of its '@'
};
std::optional<UserInformation> findUserInformation(std::string_view url);

/// The items of a list of URLs. One begins where a separator is followed by a scheme: a separator may also be part of a
/// password, which nobody can tell apart before.
std::vector<std::string_view> splitAddresses(std::string_view list);

/// The characters of the user information that must be escaped (RFC 3986, section 3.2.1), in words without the rest of
/// it: "in its password '/' must be written %2F and '?' must be written %3F". nullopt: it has none of them.
std::optional<std::string> unescapedCharacters(std::string_view url);

/// 1 to 65535, in digits alone; nullopt for anything else.
std::optional<std::uint16_t> portNumber(std::string_view text);

/// What keeps the host and the port of a URL from being read, and the mend, both without a word of the URL: what stands
/// where a port should may be a password. nullopt: nothing does. To be asked before a parser is: that of Boost takes a
/// port it cannot read for a path, and lets one above 65535 wrap around.
struct UrlFlaw
{
    std::string what; ///< "the port must be a number from 1 to 65535"
    std::string mend;
};
std::optional<UrlFlaw> authorityFlaw(std::string_view url);

/// The host and port of a URL, without user information; empty where it has no "//".
std::string_view hostAndPort(std::string_view url);

} // namespace portolan
