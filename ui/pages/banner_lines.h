// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/deployment.h"
#include "ui/widgets/banner.h"

namespace portolan::ui {

/// The causes of how a deployment stands at `now`, for a banner. The first is the verdict, in one sentence. While
/// something is wrong the others follow, each with its own: what is down, what is as bad, what is less bad; at most
/// four, the last of which counts what is left out. `page` is in front: on the overview all are listed, elsewhere the
/// first; where that is not red, with the instances that are away. None leads to where one is.
std::vector<BannerLine> bannerLines(const Snapshot &snapshot, WallTime now, const QString &page);

/// The same where no figures come: `problem` says why the portal is not there, where it should be. `ownStack`: it is
/// the portal of this machine's stack, which is started on the page Local stack; no other is.
std::vector<BannerLine> bannerLines(const Deployment &deployment, const QString &problem, WallTime now,
                                    const QString &page, bool ownStack);

} // namespace portolan::ui
