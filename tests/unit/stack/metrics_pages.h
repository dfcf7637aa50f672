// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/stack/metrics/traffic_reader.h"
#include "core/telemetry/prometheus_text.h"

#include <QFile>
#include <stdexcept>
#include <string>

namespace portolan::test {

/// What of a text the maps want, as a page.
inline stack::MetricsPage pageOf(const std::string &text, const stack::SeriesMaps &maps)
{
    stack::MetricsPage page;
    telemetry::PrometheusReader reader(
        [&](std::string_view name) { return stack::wants(maps, name); },
        [&](telemetry::PrometheusSample sample) { page.samples.push_back(std::move(sample)); });
    if (!reader.feed(text) || !reader.end())
        throw std::runtime_error("no metrics page: " + text.substr(0, 200));
    return page;
}

/// A page of the samples beside the tests; each says in its first line where it is from.
inline std::string recorded(const std::string &name)
{
    QFile file(QString::fromStdString(std::string(SAMPLES "/") + name + ".txt"));
    if (!file.open(QIODevice::ReadOnly))
        throw std::runtime_error("there is no sample " + name);
    return file.readAll().toStdString();
}

} // namespace portolan::test
