#include "core/api/deployment.h"

namespace portolan {

Deployment::~Deployment() = default;

} // namespace portolan
