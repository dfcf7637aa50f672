// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/deployment.h"

namespace portolan {

Deployment::~Deployment() = default;

} // namespace portolan
