// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/router.h"

#include <string>
#include <string_view>

namespace portolan::portal {

/// The OpenAPI 3.1 document of every route under `/api`, `/auth` and the other documented ones, made from the table
/// that serves them: a route that exists is described, with its role, its limit's category, its body bound, the
/// answers every route can give, and what its Doc says. `serverUrl` may be empty. https://spec.openapis.org/oas/v3.1.0
///
/// `webSockets`: GET routes whose answer is 101 and then messages, which the documentation of the route describes.
std::string openApiDocument(const http::Router &router, const http::Router &webSockets, std::string_view version,
                            std::string_view serverUrl = {});

} // namespace portolan::portal
