#include "core/api/deployment.h"

#include "core/api/local_stack.h"

namespace portolan {

Deployment::~Deployment() = default;
LocalStack::~LocalStack() = default;

} // namespace portolan
