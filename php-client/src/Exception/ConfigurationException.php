<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** The worker is set up wrongly: started by hand, or a package it needs is missing. */
final class ConfigurationException extends \RuntimeException implements RrtsException {}
