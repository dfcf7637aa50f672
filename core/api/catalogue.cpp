// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/catalogue.h"

namespace portolan {

std::string textOf(const Metric &metric)
{
    std::string text = metric.name;
    for (const auto &[label, value] : metric.labels)
        text.append(text.size() == metric.name.size() ? "{" : ",").append(label).append("=").append(value);
    return metric.labels.empty() ? text : text + '}';
}

} // namespace portolan
