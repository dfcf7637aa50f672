// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/attached.h"

#include <utility>

namespace portolan::app {

Result<std::unique_ptr<Attached>> Attached::make(const std::string &url, Secret token, const Clock &clock)
{
    auto address = client::parsePortalAddress(url);
    if (!address)
        return address.error();
    if (token.empty())
        return ofSettings(failure(ErrorKind::Invalid,
                                  "There is no token to sign in to " + address->display() + " with.",
                                  "Make one there: portoland token add NAME --role operator."),
                          {"portal.token"});
    client::RemoteDeployment::Spec spec;
    spec.address = std::move(*address);
    spec.token = std::move(token);
    return std::make_unique<Attached>(std::move(spec), clock);
}

} // namespace portolan::app
